"""Open what connects in each worker, after the fork: also right with --preload."""


def post_worker_init(worker):
    from app import pool

    pool.open()


def worker_exit(server, worker):
    from app import pool

    pool.close()
