from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase
from psycopg_ratls import Connection, attestation

from shop.models import Customer, Order


class ShopTest(TestCase):
    def setUp(self):
        self.ada = Customer.objects.create(name="Ada", address="10.0.0.1")
        Order.objects.create(customer=self.ada, total=Decimal("19.90"), lines={"tea": 2})
        Order.objects.create(customer=self.ada, total=Decimal("5.10"), lines={"milk": [1, 2]})

    def test_the_connection_rests_on_a_verdict(self):
        self.assertIsInstance(connection.connection, Connection)
        result = attestation(connection.connection)
        self.assertTrue(result.verified)
        self.assertEqual(result.mr_td, settings.DATABASES["default"]["OPTIONS"]["verify_options"]["allowed_mr_td"][0])

    def test_models(self):
        self.assertEqual(Order.objects.get(lines__tea=2).total, Decimal("19.90"))
        self.assertEqual(Customer.objects.get(address="10.0.0.1").orders.count(), 2)
        self.assertEqual([order.total for order in Order.objects.order_by("total").iterator()], [Decimal("5.10"), Decimal("19.90")])
        self.assertEqual(Order.objects.bulk_create([Order(customer=self.ada, total=1)] * 3)[2].total, 1)

    def test_postgresqls_options_are_handed_on(self):
        with connection.cursor() as cursor:
            cursor.execute("show statement_timeout")
            self.assertEqual(cursor.fetchone(), ("77s",))

    def test_views(self):
        self.assertEqual(self.client.get("/total/").json(), {"total": "25.00"})


class TransactionTest(TransactionTestCase):
    def test_rollback(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Customer.objects.create(name="nobody")
            raise ZeroDivisionError
        self.assertFalse(Customer.objects.exists())
