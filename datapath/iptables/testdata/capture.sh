#!/bin/sh
# Makes the expected outputs beside each NAME.rules from the real programs (iptables-legacy 1.8.9), in a namespace of
# its own. Run it by hand after changing a .rules file: sh capture.sh
cd "$(dirname "$0")" || exit 1
here=$(pwd)
exec unshare -Urnm sh -e -c '
mount -t tmpfs none /run
cd "$1"
for rules in generic.rules host.rules; do
  name=${rules%.rules}
  unshare -n sh -e -c "
    iptables-legacy-restore -c < $rules
    iptables-legacy-save | grep -v ^# > $name.save
    iptables-legacy-save -c | grep -v ^# > $name.save-c
    iptables-legacy -S > $name.S
    for table in \$(cat /proc/net/ip_tables_names); do
      for options in -L -nL -vL -nvL -nvxL -vxL; do
        echo \"## -t \$table \$options\"
        iptables-legacy -t \$table \$options
        echo \"## -t \$table --line-numbers \$options\"
        iptables-legacy -t \$table --line-numbers \$options
      done
    done > $name.list
  "
done
# walk: what the counters are after walk.packets went over lo.
unshare -n sh -e -c "
  ip link set lo up
  iptables-legacy-restore < walk.rules
  python3 make_walk.py send
  iptables-legacy-save -c | grep -v ^# > walk.counted"
# judged.cases: does the real program take the text, and what does it make of it? Afterwards: "name<TAB>yes|no", and
# what it saved.
awk -v RS="(^|\n)=== " "NR > 1 { n++; f = sprintf(\"/run/case%03d\", n); print \$0 > f; close(f) }" judged.cases
for case in /run/case*; do
  name=$(head -n 1 $case)
  tail -n +2 $case > /run/text
  if unshare -n sh -c "iptables-legacy-restore < /run/text 2> /run/error && iptables-legacy-save > /run/saved"; then
    echo "=== yes $name"
    grep -v "^#" /run/saved
  else
    echo "=== no $name"
  fi
done > judged.real' sh "$here"
