#!/bin/bash
# What bootstrap wants, looked at with as few processes as a shell can. Ends with 1 where something differs.
set -eu
conf=/etc/nginx/conf.d
packages=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' ca-certificates curl git nginx rsync)
[ "$packages" = "ca-certificates ii 
curl ii 
git ii 
nginx ii 
rsync ii " ]
paths=$(stat -c '%n %F %a %U:%G' /etc/edox-ops /var/www/docs /var/www/docs/.edox-ops-backups /var/log/edox-ops \
  $conf/edox-ops-limits.conf $conf/edox-ops-default.conf)
[ "$paths" = "/etc/edox-ops directory 750 root:root
/var/www/docs directory 755 root:root
/var/www/docs/.edox-ops-backups directory 750 root:root
/var/log/edox-ops directory 755 root:root
$conf/edox-ops-limits.conf regular file 644 root:root
$conf/edox-ops-default.conf regular file 644 root:root" ]
cmp -s /opt/bench/conf/edox-ops-limits.conf $conf/edox-ops-limits.conf
cmp -s /opt/bench/conf/edox-ops-default.conf $conf/edox-ops-default.conf
[ ! -L /etc/nginx/sites-enabled/default ]
systemctl is-active --quiet nginx
systemctl is-enabled --quiet nginx
