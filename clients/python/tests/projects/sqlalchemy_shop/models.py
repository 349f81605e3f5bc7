"""The tables of a small shop."""
from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Numeric
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "sqlalchemy_customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[Any] = mapped_column(INET, nullable=True)
    orders: Mapped[list[Order]] = relationship(back_populates="customer", cascade="all, delete-orphan")


class Order(Base):
    __tablename__ = "sqlalchemy_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("sqlalchemy_customer.id"))
    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    lines: Mapped[dict[str, Any]] = mapped_column(JSONB)
    customer: Mapped[Customer] = relationship(back_populates="orders")
