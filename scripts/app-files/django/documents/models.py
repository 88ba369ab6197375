import datetime

from django.core.exceptions import ValidationError
from django.db import models


def not_in_the_future(year):
    if year > datetime.date.today().year:
        raise ValidationError("A document cannot be of the future.")


class Document(models.Model):
    title = models.CharField(max_length=80, unique=True)
    year = models.PositiveIntegerField(validators=[not_in_the_future])
    file = models.FileField(upload_to="documents/", blank=True)

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title
