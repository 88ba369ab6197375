from django.urls import path

from . import views

urlpatterns = [
    path("", views.index, name="index"),
    path("add/", views.add, name="add"),
    path("documents/<int:number>/download", views.download, name="download"),
    path("members/", views.members, name="members"),
    path("facts", views.facts),
    path("stream", views.stream),
    path("fail", views.fail),
]
