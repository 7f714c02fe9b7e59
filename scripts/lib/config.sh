# shellcheck shell=bash
# What scripts read from the description of a cluster, by nokv-config. Source it after common.sh.

# config_read FILE: reads it, or shows all of its mistakes and ends. Afterwards:
#   CONFIG             the file
#   CONFIG_STORES      a line for each store, as nokv-config stores prints it
#   CONFIG_STORE_IDS   the ids of the stores
#   CONFIG_REGIONS     a line for each region, as nokv-config regions prints it
config_read() {
  CONFIG="$1"
  [[ -e "$CONFIG" ]] || die "there is no $CONFIG: --config names the description of the cluster"
  CONFIG_STORES="$(nokv-config stores --config "$CONFIG")" || exit 1
  CONFIG_REGIONS="$(nokv-config regions --config "$CONFIG")" || exit 1
  CONFIG_STORE_IDS="$(cut -d' ' -f1 <<<"$CONFIG_STORES")"
  [[ -n "$CONFIG_STORE_IDS" ]] || die "$CONFIG has no stores"
  [[ -n "$CONFIG_REGIONS" ]] || die "$CONFIG has no regions"
}

# config_coordinator SCOPE: the coordinator's address; nothing if the file has none.
config_coordinator() {
  nokv-config coordinator --config "$CONFIG" --scope "$1" 2>/dev/null || true
}

# config_store_address ID: where the store listens on this machine.
config_store_address() {
  awk -v id="$1" '$1 == id { print $2 }' <<<"$CONFIG_STORES"
}
