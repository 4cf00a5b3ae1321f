"""Keep secrets and identities out of an archive: which texts are dangerous, and what is published in their place."""
