"""A small shop whose database is attested; where it is comes from the environment."""
import os

from ra_tls_verify import DcapVerifier

SECRET_KEY = "not a secret"
INSTALLED_APPS = ["shop"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
LOGGING = {"version": 1, "disable_existing_loggers": False, "loggers": {"ra_tls_verify": {"level": "ERROR"}}}     # no application is pinned

DATABASES = {
    "default": {
        "ENGINE": "psycopg_ratls.django",
        "HOST": "127.0.0.1",
        "PORT": os.environ["SHOP_PORT"],
        "NAME": "postgres",
        "USER": "postgres",
        "PASSWORD": os.environ["SHOP_PASSWORD"],
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "verifier": DcapVerifier(collateral=os.environ["SHOP_COLLATERAL"], trust_anchor=os.environ["SHOP_TRUST_ANCHOR"]),
            "verify_options": {"allowed_mr_td": [os.environ["SHOP_MRTD"]]},
            "options": "-c statement_timeout=77s",      # PostgreSQL's, as always with Django
            "pool": os.environ.get("SHOP_POOL") == "yes",
        },
    }
}
