"""Compare `tiled_scim` with bare Django views and with other SCIM servers, over HTTP.

    python -m benchmarks.comparison --only floor,tiled_scim --operations lookup,get_user --quick

`make bench` runs all of it. It needs PostgreSQL (`DATABASE_URL`) and Linux (`/proc`).
`docs/performance.md` describes the method and has the results.
"""
