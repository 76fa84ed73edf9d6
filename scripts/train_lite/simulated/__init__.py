"""Pictures drawn where photographed ones are lacking."""
