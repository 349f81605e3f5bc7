"""`manage.py dbshell`: psql would connect by itself, past the attestation."""
from __future__ import annotations

from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.db.backends.postgresql import client


class DatabaseClient(client.DatabaseClient):
    """Refuses, and says how psql gets there attested."""

    @classmethod
    def settings_to_cmd_args_env(cls, settings_dict: Any, parameters: Any) -> NoReturn:
        """There is no command line that would be attested."""
        raise CommandError("psql would connect past the attestation: run `ratls proxy --upstream HOST:PORT --socket-dir DIR`, "
                           "and psql with DIR as its host")
