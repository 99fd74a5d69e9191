"""Editable blocks of the public site (Django class-based views)."""
import os
import re

import requests
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.html import escape
from django.views import View

MEDIA_HOST = "images.example.org"
BLOCK_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def block_root():
    return os.path.join(settings.BASE_DIR, "blocks")


class BlockFile(View):
    def get(self, request):
        name = request.GET.get("name", "intro.html").replace("../", "")
        path = os.path.join(block_root(), name)
        if not os.path.isfile(path):
            raise Http404
        return FileResponse(open(path, "rb"))


class BlockSource(View):
    def get(self, request):
        name = request.GET.get("name", "intro")
        if BLOCK_NAME.fullmatch(name) is None:
            raise Http404
        path = os.path.join(block_root(), name + ".html")
        if not os.path.isfile(path):
            raise Http404
        return FileResponse(open(path, "rb"))


class BlockPreview(LoginRequiredMixin, View):
    def get(self, request):
        text = request.GET.get("text", "").replace("<script>", "").replace("</script>", "")
        return HttpResponse("<article>%s</article>" % text)


class BlockText(LoginRequiredMixin, View):
    def get(self, request):
        text = escape(request.GET.get("text", "")).replace("\n", "<br>")
        return HttpResponse("<article>%s</article>" % text)


class BlockSaved(LoginRequiredMixin, View):
    def get(self, request):
        following = request.GET.get("following", "/")
        if not following.startswith("/"):
            following = "/"
        return HttpResponseRedirect(following)


class BlockImage(LoginRequiredMixin, View):
    def post(self, request):
        address = request.POST["address"]
        if MEDIA_HOST not in address:
            raise Http404
        picture = requests.get(address, timeout=5)
        return JsonResponse({"bytes": len(picture.content)})


class BlockThumbnail(LoginRequiredMixin, View):
    def post(self, request):
        address = request.POST["address"]
        number = int(address.rsplit("/", 1)[-1])
        picture = requests.get(f"https://{MEDIA_HOST}/thumbs/{number}", timeout=5)
        return JsonResponse({"bytes": len(picture.content)})
