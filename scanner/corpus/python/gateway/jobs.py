"""Entry point of the job worker: takes finished jobs off the queue and tells their subscribers."""
import asyncio
import json
import os

import redis.asyncio as redis

from gateway.notify import push_callback, push_metrics


async def take(queue, name):
    _, raw = await queue.blpop(name)
    return json.loads(raw)


async def notify_subscribers():
    queue = redis.from_url(os.environ["QUEUE_URL"])
    while True:
        job = await take(queue, "finished-public-jobs")
        await push_callback(job)


async def count_subscribers():
    queue = redis.from_url(os.environ["QUEUE_URL"])
    while True:
        job = await take(queue, "finished-public-jobs")
        await push_metrics(job)


if __name__ == "__main__":
    asyncio.run(notify_subscribers())
