"""Compare `tiled_scim` with a bare Django view and with other SCIM servers, over HTTP.

    python -m benchmarks.comparison --only floor,tiled_scim --operations lookup,get_user --quick

`make bench` runs it in full. Needs PostgreSQL (`DATABASE_URL`) and Linux (`/proc`).
"""
