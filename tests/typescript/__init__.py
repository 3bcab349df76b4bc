"""Tests of readers in TypeScript: their programs, run by Node on a database that we filled."""
