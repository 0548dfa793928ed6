#!/bin/bash
# Gives generated labs to the real `ip -batch`, sysctl and iptables-legacy-restore, and compares iptables-legacy-save with
# ours. lab_check.sh WRITE_LABS [FIRST [COUNT]]. Needs user namespaces; exit 77 without them.
set -u
write_labs=$1 first=${2:-1} count=${3:-100}
unshare -Urnm true 2>/dev/null || exit 77
for program in ip sysctl nfct iptables-legacy-restore iptables-legacy-save; do
  command -v $program >/dev/null || exit 77
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

failures=0
"$write_labs" "$first" "$count" "$folder" || failures=1

# One lab in a namespace of its own.
configure() {
  local lab=$1
  for port in eth0 lan0 lan1 lan2; do
    if grep -qw "$port" "$lab/network"; then ip tuntap add "$port" mode tap || echo "no TAP $port"; fi
  done
  ip -batch "$lab/network" 2>&1
  sysctl -q -p "$lab/sysctl.conf" 2>&1
  bash "$lab/timeouts" 2>&1
  iptables-legacy-restore <"$lab/rules.v4" 2>&1
  # It looks for names of labels, and says so when there are none.
  iptables-legacy-save -c 2> >(grep -v connlabel.conf >&2) | grep -v '^#' >"$lab/theirs"
}
export -f configure

said=$(unshare -Urnm bash -c 'mount -t tmpfs none /run
  for lab in "$1"/*; do
    unshare -n bash -c '\''configure "$1"'\'' x "$lab" | sed "s|^|${lab##*/}: |"
  done' x "$folder")
if [[ -n $said ]]; then
  echo "$said"
  failures=1
fi
compared=0
for lab in "$folder"/*; do
  compared=$((compared + 1))
  diff -u "$lab/theirs" "$lab/ours" && continue
  echo "seed ${lab##*/}: iptables-save differs"
  failures=1
done
echo "$compared labs given to the real programs"
((compared == count && failures == 0))
