"""A bidirectional mirror of a Cloudinary product environment in Postgres, orchestrated by Dagster."""

__version__ = "0.1.0"
