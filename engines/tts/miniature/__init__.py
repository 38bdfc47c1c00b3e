"""Chatterbox in small: the library's own modules with other sizes, so that the whole real path runs anywhere."""
