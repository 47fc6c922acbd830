#!/bin/sh
# What tests on kind need, on a machine without an image registry: the commands kind, helm and
# kubectl, and a node image for kind, made of Debian's packages and of Kubernetes as Debian's source
# package has it.
#
#   setup/test-kind.sh          brings all that is missing; the image goes to the engine of DOCKER_HOST
#   setup/test-kind.sh tools    the commands only
#
# Prints PATH=… and SPINELAB_KIND_IMAGE=… for the shell. The first time takes minutes, most of it
# compiling Kubernetes; all is kept in SPINELAB_CACHE (/var/cache/spinelab), so that the second takes
# a second. Needs root, for debootstrap and apt-get.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin

kind_version=v0.30.0
helm_version=v3.19.0
kubernetes_version=1.20.2 # of Debian 12
# Where this machine's own packages come from, which is where Debian 12's lie too.
debian=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | head -n 1)}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

cache=${SPINELAB_CACHE:-/var/cache/spinelab}
tools=$cache/bin
kubernetes=$cache/kubernetes-$kubernetes_version
root=$cache/kind-node-root-$(sha256sum setup/kind-node/packages | cut -c1-12).tar

say() { printf 'test-kind: %s\n' "$*" >&2; }
fail() {
  printf 'test-kind: %s\n' "$@" >&2
  exit 3
}

# What is half made is made elsewhere, and put in its place when it is whole.
work=
clear_work() { [ -z "$work" ] || rm -rf "$work"; }
trap clear_work EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
new_work() {
  clear_work
  work=$(mktemp -d "$cache/$1.XXXXXX")
}

need() {
  missing=
  for pair in "$@"; do
    command -v "${pair%:*}" >/dev/null || missing="$missing ${pair#*:}"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "needs$missing, and there is no apt-get to install it"
  [ "$(id -u)" = 0 ] || fail "needs$missing: run it as root"
  say "installing by apt-get:$missing"
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing >&2 ||
    fail "apt-get could not install$missing"
}

go_install() {
  name=$1
  package=$2
  version=$3
  if [ -x "$tools/$name" ] && [ "$(cat "$tools/.$name-version" 2>/dev/null)" = "$version" ]; then
    return 0
  fi
  command -v go >/dev/null || fail \
    "no $name, and no Go to install it with: install Go (go.dev/dl), or $name itself in $tools"
  say "go install $package@$version"
  env GOBIN="$tools" GOFLAGS= go install "$package@$version" >&2 || fail "$name could not be installed"
  printf %s "$version" >"$tools/.$name-version"
}

# apt of its own: Debian 12's packages and sources, whatever release this machine is of.
debian_apt() {
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  for type in deb deb-src; do
    echo "$type [signed-by=$keyring] $debian bookworm main"
  done >"$work/sources.list"
  apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache::Archives=$work/archives" \
    -o APT::Sandbox::User=root "$@" >&2
}

# Kubernetes by Debian's Go, both taken out of their packages: nothing of it is installed. Two fixes,
# since it was written for an older Go: the reflect2 of its vendor folder crashes with Go 1.18 and
# newer, Debian's own does not; and its validation of custom resources takes an empty text for null,
# because Go now keeps all zero values in one place.
build_kubernetes() {
  [ ! -x "$kubernetes/kubelet" ] || return 0
  need rsync:rsync make:make git:git dpkg-source:dpkg-dev gcc:gcc
  [ -e "$keyring" ] || need debian-archive-keyring:debian-archive-keyring
  say "building Kubernetes $kubernetes_version of Debian's source package (minutes, once)"
  new_work kubernetes
  # Not followed by `||`, which would let it go on after an error.
  (
    cd "$work"
    debian_apt update
    debian_apt --download-only source kubernetes
    debian_apt download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev \
      etcd-server
    for package in ./*.deb; do dpkg -x "$package" tools; done
    mkdir source
    tar -xzf kubernetes_*.orig.tar.gz -C source --strip-components=1
    reflect2=source/vendor/github.com/modern-go/reflect2
    rm -f $reflect2/*.go $reflect2/*.s
    cp -L tools/usr/share/gocode/src/github.com/modern-go/reflect2/*.go \
      tools/usr/share/gocode/src/github.com/modern-go/reflect2/*.s $reflect2/
    rm -f $reflect2/*_test.go
    sed -i 's/data == nil || reflect.DeepEqual(reflect.Zero(.*)) {/data == nil {/' \
      source/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go

    cd source
    cat >.gitversion <<VERSION
KUBE_GIT_COMMIT='debian'
KUBE_GIT_TREE_STATE='archive'
KUBE_GIT_VERSION='v$kubernetes_version'
KUBE_GIT_MAJOR='1'
KUBE_GIT_MINOR='20'
VERSION
    mkdir -p .go/src/k8s.io
    ln -s ../../.. .go/src/k8s.io/kubernetes
    # Without the clients of cloud providers it compiles in two thirds of the time.
    # One line: make hands what it is to build to a shell, word for word.
    what="cmd/kubeadm cmd/kubelet cmd/kubectl cmd/kube-apiserver cmd/kube-controller-manager"
    env GOROOT="$work/tools/usr/lib/go-1.19" PATH="$work/tools/usr/lib/go-1.19/bin:$PATH" \
      GOPATH="$PWD/.go" GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local CGO_ENABLED=0 \
      KUBE_GIT_VERSION_FILE="$PWD/.gitversion" \
      make GOLDFLAGS="-s -w" GOTAGS=providerless \
      WHAT="$what cmd/kube-scheduler cmd/kube-proxy" >&2
    gcc -Os -static -o _output/local/bin/linux/amd64/pause build/pause/linux/pause.c
  )
  binaries=$work/source/_output/local/bin/linux/amd64
  mkdir "$work/made"
  for name in kubeadm kubelet kubectl kube-apiserver kube-controller-manager kube-scheduler \
    kube-proxy pause; do
    mv "$binaries/$name" "$work/made/"
  done
  mv "$work/tools/usr/bin/etcd" "$work/made/"
  rm -rf "$kubernetes"
  mv "$work/made" "$kubernetes"
}

build_root() {
  [ ! -e "$root" ] || return 0
  need debootstrap:debootstrap
  say "the node's file system, by debootstrap"
  new_work root
  packages=$(paste -sd, setup/kind-node/packages)
  debootstrap --variant=minbase --include="$packages" bookworm "$work/root" $debian >&2 ||
    fail "debootstrap failed (see above)"
  rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/* \
    "$work"/root/usr/share/doc/* "$work"/root/usr/share/man/* "$work"/root/usr/share/locale/*
  tar -C "$work/root" -cf "$work/root.tar" .
  mv "$work/root.tar" "$root"
}

# Imports the folder's content as an image, with the rest of the arguments as changes.
import_image() {
  name=$1
  folder=$2
  shift 2
  tar -C "$folder" -c . | docker import "$@" - "$name" >/dev/null
}

# A program and the libraries that it is linked with, as a folder.
with_libraries() {
  mkdir -p "$2/usr/local/bin"
  cp "$1" "$2/usr/local/bin/"
  ldd "$1" | awk '/=> \//{print $3} /^\t\/.*ld-/{print $1}' | while read -r library; do
    mkdir -p "$2$(dirname "$library")"
    cp -L "$library" "$2$library"
  done
}

# What kubeadm starts, under the names it knows. kube-proxy needs iptables: it gets the node's root.
control_plane_images() {
  tag=v$kubernetes_version
  for name in kube-apiserver kube-controller-manager kube-scheduler; do
    mkdir -p "$work/$name/usr/local/bin"
    cp "$kubernetes/$name" "$work/$name/usr/local/bin/"
    import_image "k8s.gcr.io/$name:$tag" "$work/$name" --change 'ENV PATH=/usr/local/bin'
  done
  mkdir "$work/pause"
  cp "$kubernetes/pause" "$work/pause/"
  import_image k8s.gcr.io/pause:3.2 "$work/pause" --change 'ENTRYPOINT ["/pause"]'
  with_libraries "$kubernetes/etcd" "$work/etcd"
  import_image k8s.gcr.io/etcd:3.4.13-0 "$work/etcd" --change 'ENV PATH=/usr/local/bin'
  mkdir "$work/kube-proxy"
  tar -C "$work/kube-proxy" -xf "$root" --exclude='./usr/bin/*containerd*' --exclude='./usr/bin/ctr' \
    --exclude='./usr/lib/cni' --exclude='./usr/sbin/runc' --exclude='./usr/bin/runc' \
    --exclude='./usr/lib/systemd' --exclude='./lib/systemd' --exclude='./usr/share' \
    --exclude='./var/lib/dpkg' --exclude='./usr/lib/*/perl*' --exclude='./lib/udev' \
    --exclude='./usr/lib/udev' --exclude='./dev/*'
  mkdir -p "$work/kube-proxy/usr/local/bin"
  cp "$kubernetes/kube-proxy" "$work/kube-proxy/usr/local/bin/"
  import_image "k8s.gcr.io/kube-proxy:$tag" "$work/kube-proxy" \
    --change 'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  images="k8s.gcr.io/kube-apiserver:$tag k8s.gcr.io/kube-controller-manager:$tag
    k8s.gcr.io/kube-scheduler:$tag k8s.gcr.io/kube-proxy:$tag k8s.gcr.io/pause:3.2
    k8s.gcr.io/etcd:3.4.13-0"
  # shellcheck disable=SC2086 # a list of words
  docker save --output "$work/context/images.tar" $images
  # shellcheck disable=SC2086 # a list of words
  docker rmi $images >/dev/null
}

# Built when the recipe has changed; saved for the next engine with an empty data root.
build_image() {
  sum=$(cat setup/kind-node/Dockerfile setup/kind-node/packages setup/kind-node/files/* |
    sha256sum | cut -c1-12)
  image=spinelab/kind-node:v$kubernetes_version-$sum
  if docker image inspect "$image" >/dev/null 2>&1; then
    return 0
  fi
  saved=$cache/kind-node-v$kubernetes_version-$sum.tar
  if [ -e "$saved" ]; then
    docker load --quiet --input "$saved" >/dev/null
    return 0
  fi
  build_kubernetes
  build_root
  say "the node image"
  new_work image
  mkdir -p "$work/context/bin"
  control_plane_images
  cp "$kubernetes/kubeadm" "$kubernetes/kubelet" "$kubernetes/kubectl" "$work/context/bin/"
  ln "$root" "$work/context/root.tar"
  cp -R setup/kind-node/Dockerfile setup/kind-node/files "$work/context/"
  DOCKER_BUILDKIT=0 docker build --quiet --build-arg "VERSION=v$kubernetes_version" \
    --tag "$image" "$work/context" >&2 || fail "the node image could not be built (see above)"
  docker image prune --force --filter label=spinelab.build=kind-node >/dev/null
  docker save --output "$work/image.tar" "$image"
  rm -f "$cache"/kind-node-v*.tar
  mv "$work/image.tar" "$saved"
}

mkdir -p "$tools"
go_install kind sigs.k8s.io/kind "$kind_version"
go_install helm helm.sh/helm/v3/cmd/helm "$helm_version"
if ! command -v kubectl >/dev/null && [ ! -x "$tools/kubectl" ]; then
  build_kubernetes
  ln "$kubernetes/kubectl" "$tools/kubectl"
fi
echo "PATH=$tools:$PATH"
[ "${1-}" != tools ] || exit 0

command -v docker >/dev/null || fail "no docker command: setup/test-engine.sh start brings it"
docker version >/dev/null || fail "no engine answers: eval \"\$(setup/test-engine.sh start)\" first"
build_image
echo "SPINELAB_KIND_IMAGE=$image"
