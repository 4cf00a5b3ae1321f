"""The plugin for MkDocs: the same site, made in less time. The only room that knows MkDocs' inside."""
