from library.wsgi import application  # noqa: F401 (this is the name that is looked for)
