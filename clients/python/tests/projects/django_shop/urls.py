from django.urls import path
from shop.views import total, where

urlpatterns = [path("total/", total), path("where/", where)]
