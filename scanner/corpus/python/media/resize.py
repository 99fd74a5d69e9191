"""HTTP front end that resizes clips."""
import asyncio
import pathlib

from aiohttp import web

OUT = pathlib.Path("/srv/media/out")
SIZES = {"small": "320x180", "medium": "640x360", "large": "1280x720"}


def output_for(clip_id, suffix):
    return OUT / (clip_id + suffix)


async def resize(request: web.Request) -> web.Response:
    form = await request.post()
    geometry = form.get("geometry", "320x180")
    clip = output_for("latest", ".webm")

    def command_line():
        return f"ffmpeg -y -i {clip} -s {geometry} {output_for('resized', '.webm')}"

    process = await asyncio.create_subprocess_shell(command_line())
    await process.wait()
    return web.json_response({"status": process.returncode})


async def resize_preset(request: web.Request) -> web.Response:
    form = await request.post()
    geometry = SIZES.get(form.get("geometry"), SIZES["small"])
    clip = output_for("latest", ".webm")

    def command_line():
        return f"ffmpeg -y -i {clip} -s {geometry} {output_for('resized', '.webm')}"

    process = await asyncio.create_subprocess_shell(command_line())
    await process.wait()
    return web.json_response({"status": process.returncode})


def make_app():
    app = web.Application()
    app.add_routes([web.post("/resize", resize), web.post("/resize/preset", resize_preset)])
    return app
