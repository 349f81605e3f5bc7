from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=50)
    address = models.GenericIPAddressField(null=True)


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    total = models.DecimalField(max_digits=10, decimal_places=2)
    lines = models.JSONField(default=dict)
    placed = models.DateTimeField(auto_now_add=True)
