"""Worker that turns uploaded clips into web formats; takes its jobs from RabbitMQ."""
import json
import re
from subprocess import call as run_line

import pika

CLIP_ID = re.compile(r"[a-z0-9]{8,32}")


def on_transcode(channel, method, properties, body):
    job = json.loads(body)
    source = job["source"]
    run_line("ffmpeg -y -i " + source + " -s 640x360 /srv/media/out/latest.webm", shell=True)
    channel.basic_ack(delivery_tag=method.delivery_tag)


def on_thumbnail(channel, method, properties, body):
    job = json.loads(body)
    clip_id = job["clip_id"]
    if not CLIP_ID.fullmatch(clip_id):
        channel.basic_reject(delivery_tag=method.delivery_tag, requeue=False)
        return
    run_line(f"ffmpeg -y -i /srv/media/in/{clip_id}.mp4 -frames:v 1 /srv/media/out/{clip_id}.png", shell=True)
    channel.basic_ack(delivery_tag=method.delivery_tag)


def consume(url):
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.basic_consume("transcode", on_transcode)
    channel.basic_consume("thumbnail", on_thumbnail)
    channel.start_consuming()
