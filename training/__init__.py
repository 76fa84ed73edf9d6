"""What makes the bundled model: words, pictures, heads, references, and what they are worth."""
