"""What is different from the settings that startproject makes."""
from .settings import *  # noqa: F401,F403 (settings are made of names)
from .settings import BASE_DIR, INSTALLED_APPS

DEBUG = False
ALLOWED_HOSTS = [".localhost", "127.0.0.1"]
INSTALLED_APPS = [*INSTALLED_APPS, "documents"]

# Relative: below a prefix the address begins with it. The front answers for what collectstatic puts there.
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "public/static"
MEDIA_ROOT = BASE_DIR / "uploads"
LOGIN_URL = "admin:login"
