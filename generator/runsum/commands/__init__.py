"""One module per command: words in, a call of the room that does the work, words out."""
