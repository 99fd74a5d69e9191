"""Polls the brokers of our partners."""
import copy
import json
import pickle

from confluent_kafka import Consumer

from consumers.payloads import describe


def settings_for(group, servers):
    return {"bootstrap.servers": ",".join(servers), "group.id": group, "auto.offset.reset": "earliest"}


def poll_events(settings):
    decode = pickle.loads
    consumer = Consumer(settings)
    consumer.subscribe(["partner-events"])
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        yield describe(decode(message.value()))


def poll_notices(settings):
    decode = json.loads
    consumer = Consumer(settings)
    consumer.subscribe(["partner-notices"])
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        yield copy.deepcopy(describe(decode(message.value())))
