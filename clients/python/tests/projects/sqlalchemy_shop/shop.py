"""What the shop does, over an engine; asynchronously as well."""
from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Engine, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import Session

from .models import Base, Customer, Order


def fill(engine: Engine) -> None:
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        ada = Customer(name="Ada", address="10.0.0.1")
        ada.orders = [Order(total=Decimal("19.90"), lines={"tea": 2}), Order(total=Decimal("5.10"), lines={"milk": [1, 2]})]
        session.add_all([ada, Customer(name="Grace")])


def totals(engine: Engine) -> list[tuple[str, Decimal]]:
    with Session(engine) as session:
        return [(name, total) for name, total in session.execute(
            select(Customer.name, func.sum(Order.total)).join(Customer.orders).group_by(Customer.name))]


async def lines(engine: AsyncEngine) -> list[object]:
    async with async_sessionmaker(engine)() as session:
        return list(await session.scalars(select(Order.lines).order_by(Order.id)))
