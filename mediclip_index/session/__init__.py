"""What every job needs: the session, the model, prompts as vectors, and the index as it stood."""
