#!/bin/bash
# Asks the real `ip -batch` what network_grammar.txt says it accepts. Needs user namespaces; exit 77 without them.
set -u
here=$(cd "$(dirname "$0")" && pwd)
unshare -Urnm true 2>/dev/null || exit 77
command -v ip >/dev/null || exit 77

setup='ip link set lo up
  ip link add v0 type veth peer name v1 && ip addr add 10.0.0.1/24 dev v0 && ip link set v0 up && ip link set v1 up
  ip link add br0 type bridge && ip tuntap add t0 mode tap && ip link set v1 down'
failures=0 asked=0
while IFS= read -r row; do
  [[ -z $row || $row == \#* ]] && continue
  who=${row%% *} line=${row#* }
  if LINE=$line unshare -Urnm bash -c "{ $setup; } >/dev/null 2>&1; printf '%s\n' \"\$LINE\" | ip -batch -" \
    >/dev/null 2>&1; then ip=yes; else ip=no; fi
  case $who in both | ip) want=yes ;; *) want=no ;; esac
  asked=$((asked + 1))
  if [[ $ip != "$want" ]]; then
    failures=$((failures + 1))
    echo "ip accepts: $ip, table says: $who: $line"
  fi
done <"$here/network_grammar.txt"
echo "$asked lines asked, $failures differ"
((asked > 0 && failures == 0))
