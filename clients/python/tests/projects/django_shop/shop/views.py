import os

from django.db import connection
from django.db.models import Sum
from django.http import JsonResponse
from psycopg_ratls import attestation

from shop.models import Order


def total(request):
    return JsonResponse({"total": Order.objects.aggregate(sum=Sum("total"))["sum"]})


def where(request):
    """Which process answers, and what its connection rests on."""
    connection.ensure_connection()
    return JsonResponse({"process": os.getpid(), "mr_td": attestation(connection.connection).mr_td})
