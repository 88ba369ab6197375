"""Sessions, forms with CSRF, files, streams and errors, as Django does them."""
import os
import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import ModelForm
from django.http import FileResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from .models import Document


class DocumentForm(ModelForm):
    class Meta:
        model = Document
        fields = ["title", "year", "file"]


def index(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    context = {"documents": Document.objects.all(), "visits": request.session["visits"]}
    return render(request, "documents/index.html", context)


def add(request):
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        document = form.save()
        messages.success(request, f"{document} was added.")
        return redirect("index")
    return render(request, "documents/add.html", {"form": form}, status=422 if form.errors else 200)


def download(request, number):
    document = get_object_or_404(Document, pk=number)
    return FileResponse(document.file.open(), as_attachment=True)


@login_required
def members(request):
    return JsonResponse({"user": request.user.username})


def facts(request):
    return JsonResponse({
        "prefix": request.META["SCRIPT_NAME"],
        "path": request.path_info,
        "secure": request.is_secure(),
        "client": request.META["REMOTE_ADDR"],
        "link": request.build_absolute_uri(reverse("index")),
        "pid": os.getpid(),
    })


def stream(request):
    """The second part comes once the file tmp/go is there."""
    def parts():
        yield "first\n"
        end = time.monotonic() + 20
        while not (settings.BASE_DIR / "tmp/go").exists() and time.monotonic() < end:
            time.sleep(0.01)
        yield "last\n"
    return StreamingHttpResponse(parts(), content_type="text/plain")


def fail(request):
    raise RuntimeError("this page always fails")
