"""The page over one index, and its API: request → options → `Index` → page or JSON."""
