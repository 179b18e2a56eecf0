# The state of a host as a case asks for it: one line per thing, fields separated by tabs, text in base64.
# Embedded in the harness (observe.rs), which runs it after each run of a playbook. Arguments: KIND:WHAT.
tab=$(printf '\t')
encode() { base64 | tr -d '\n'; }
for item; do
  kind=${item%%:*}
  what=${item#*:}
  case $kind in
  path)
    for path in $what; do # a pattern: not quoted
      if [ ! -e "$path" ] && [ ! -L "$path" ]; then
        printf 'absent\t%s\n' "$path"
        continue
      fi
      find "$path" -printf '%y\t%p\t%m\t%u\t%g\t%s\t%l\n' | LC_ALL=C sort -t "$tab" -k 2 |
        while IFS=$tab read -r type name mode owner group size target; do
          case $type in
          f)
            printf 'file\t%s\t%s\t%s\t%s\t%s\t%s\t' "$name" "$mode" "$owner" "$group" "$size" "$(sha256sum <"$name" | cut -d' ' -f1)"
            [ "$size" -gt 4096 ] || encode <"$name"
            echo
            ;;
          l) printf 'link\t%s\t%s\t%s\t%s\n' "$name" "$owner" "$group" "$target" ;;
          d) printf 'directory\t%s\t%s\t%s\t%s\n' "$name" "$mode" "$owner" "$group" ;;
          *) printf 'other\t%s\t%s\t%s\t%s\t%s\n' "$name" "$mode" "$owner" "$group" "$type" ;;
          esac
        done
    done
    ;;
  package) printf 'text\tpackage %s\t%s\n' "$what" "$(dpkg-query -W -f '${Status} ${Version}' "$what" 2>/dev/null | encode)" ;;
  unit)
    printf 'text\tunit %s\t%s\n' "$what" \
      "$(echo "$(systemctl is-enabled "$what" 2>/dev/null) $(systemctl is-active "$what" 2>/dev/null)" | encode)"
    ;;
  user) # its line in shadow without the day of the last change
    printf 'text\tuser %s\t%s\n' "$what" \
      "$( (getent passwd "$what" && id -Gn "$what" && getent shadow "$what" | cut -d: -f1-2,4-) 2>/dev/null | encode)"
    ;;
  group) printf 'text\tgroup %s\t%s\n' "$what" "$(getent group "$what" | encode)" ;;
  command) printf 'text\t%s\t%s\n' "$what" "$( (eval "$what") 2>&1 | encode)" ;;
  esac
done
