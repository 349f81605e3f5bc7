"""Django's PostgreSQL backend over attested connections: DATABASES = {"default": {"ENGINE": "psycopg_ratls.django", …}}"""
