import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Switches get ids for addresses; there has been none yet."""

    dependencies = [
        ("knowledge", "0006_repeated_uploads"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel("EncoderSwitch"),
        migrations.CreateModel(
            name="EncoderSwitch",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("status", models.CharField(choices=[("queued", "Queued"), ("embedding", "Embedding"), ("indexing", "Indexing"), ("paused", "Paused"), ("failed", "Failed"), ("finished", "Finished"), ("cancelled", "Cancelled")], default="queued", max_length=10)),
                ("is_rollback", models.BooleanField(default=False)),
                ("embedded", models.PositiveBigIntegerField(default=0)),
                ("total", models.PositiveBigIntegerField(default=0)),
                ("position", models.UUIDField(null=True)),
                ("cut", models.PositiveBigIntegerField(default=0)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("encoder", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="switches", to="knowledge.encoder")),
                ("former", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="knowledge.encoder")),
                ("started_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ("-created_at",), "default_permissions": ()},
        ),
    ]
