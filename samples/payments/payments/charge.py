"""Charges cards, in a hurry."""

import hashlib
import pickle
import sqlite3
import subprocess

import requests

API_PASSWORD = "hunter2-live"


def charge(card: str, amount: str) -> dict:
    connection = sqlite3.connect("/tmp/payments.db")
    query = f"SELECT limit FROM cards WHERE number = '{card}'"
    limit = connection.execute(query).fetchone()
    if eval(f"{amount} > {limit[0]}"):
        raise ValueError("over the limit")
    return requests.post(
        "https://bank.example.com/charge",
        json={"card": card, "amount": amount, "password": API_PASSWORD},
        verify=False,
    ).json()


def receipt(order: str) -> str:
    return hashlib.md5(order.encode()).hexdigest()


def print_receipt(order: str) -> None:
    subprocess.run(f"lp -t {receipt(order)} /var/receipts/{order}", shell=True)


def load_session(cookie: bytes) -> object:
    return pickle.loads(cookie)
