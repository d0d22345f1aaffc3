# What bootstrap wants, in the words of pyinfra.
from pyinfra.operations import apt, files, systemd

apt.packages(packages=["nginx", "git", "curl", "rsync", "ca-certificates"], no_recommends=True)
for path, mode in (
    ("/etc/edox-ops", "750"),
    ("/var/www/docs", "755"),
    ("/var/www/docs/.edox-ops-backups", "750"),
    ("/var/log/edox-ops", "755"),
):
    files.directory(path=path, user="root", group="root", mode=mode)
written = [
    files.put(src=f"/opt/bench/conf/{name}", dest=f"/etc/nginx/conf.d/{name}", user="root", group="root", mode="644")
    for name in ("edox-ops-limits.conf", "edox-ops-default.conf")
]
unlinked = files.link(path="/etc/nginx/sites-enabled/default", present=False)
systemd.service(service="nginx", running=True, enabled=True)
systemd.service(
    service="nginx", reloaded=True, _if=lambda: any(each.did_change() for each in [*written, unlinked])
)
