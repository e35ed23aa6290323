#!/usr/bin/env bash
# Builds the project's images as the head of images/Dockerfile says, and puts them on each node of the cluster, with a
# reference by digest too, since pods name no tags. Prints NAME=REPOSITORY@DIGEST a line, for operator, signer and softhsm: the
# sidecar with SoftHSM's module, built on top of it as anybody would who has an HSM. earlier-operator and earlier-signer are
# those of the earlier chart's time, which `--no-earlier` leaves out.
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/settings.sh"
source "$here/root-folder.sh"
exec 3>&1 >&2
cd "$root"
repository=holdfast.local
images=(operator signer softhsm)
[[ ${1:-} == --no-earlier ]] || images+=(earlier-operator earlier-signer)
node=$(readlink -f node_modules/.bin/node)
work=$(mktemp -d "$cache/images.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The base has the libraries of the Node that tests run on, and nothing else. Its tag tells what is in it.
root_folder "$work/base" "$node:/usr/local/bin/node"
rm "$work/base/usr/local/bin/node"
base=$repository/base:$(archive "$work/base" | sha256sum | cut -c1-16)
docker image inspect "$base" >/dev/null 2>&1 || archive "$work/base" | docker import - "$base" >/dev/null

"$node" scripts/stage-images.ts
for target in operator signer hsm; do
  step "image of $target" docker build --build-arg BASE="$base" --target "$target" --tag "$repository/$target:e2e" --file images/Dockerfile dist/images
done
root_folder "$work/softhsm" /usr/lib/softhsm/libsofthsm2.so
install -D -m 644 /dev/stdin "$work/softhsm/etc/softhsm/softhsm2.conf" <<'X'
directories.tokendir = /var/lib/holdfast-token/tokens
objectstore.backend = file
log.level = ERROR
X
printf 'FROM %s/hsm:e2e\nCOPY . /\n' "$repository" >"$work/Dockerfile"
step "image of the sidecar with SoftHSM" docker build --tag "$repository/softhsm:e2e" --file "$work/Dockerfile" "$work/softhsm"

# With today's packages: of what they depend on, this clone has no other version.
earlier_images() {
  local earlier kept target
  earlier=$(cat "$root/test/chart/earlier/commit")
  kept=$repository/earlier:${earlier:0:12}-${base##*:}
  if ! docker image inspect "$kept"-{operator,signer} >/dev/null 2>&1; then
    git cat-file -e "$earlier^{commit}" 2>/dev/null ||
      fail "commit $earlier is not in this clone, and the earlier images are made from it" "git fetch --unshallow"
    mkdir "$work/earlier"
    git archive "$earlier" | tar x -C "$work/earlier"
    ln -s "$root/node_modules" "$work/earlier/node_modules"
    step "programs of commit ${earlier:0:12}" "$node" "$work/earlier/scripts/bundle.ts"
    # Commits before it have no addon.
    [[ ! -e $work/earlier/scripts/native.sh ]] ||
      step "addon of commit ${earlier:0:12}" "$work/earlier/scripts/native.sh" build
    "$node" "$work/earlier/scripts/stage-images.ts" operator signer
    for target in operator signer; do
      step "image of the earlier $target" docker build --build-arg BASE="$base" --target "$target" --tag "$kept-$target" --file "$work/earlier/images/Dockerfile" "$work/earlier/dist/images"
    done
  fi
  for target in operator signer; do docker tag "$kept-$target" "$repository/earlier-$target:e2e"; done
}
[[ ${1:-} == --no-earlier ]] || earlier_images

tags=("${images[@]/#/$repository/}")
step "images to the nodes" kind load docker-image --name "$cluster" "${tags[@]/%/:e2e}"
for image in "${images[@]}"; do
  for container in $(kind get nodes --name "$cluster"); do
    digest=$(docker exec "$container" ctr --namespace k8s.io images ls "name==$repository/$image:e2e" | awk 'NR == 2 { print $3 }')
    docker exec "$container" ctr --namespace k8s.io images tag --force "$repository/$image:e2e" "$repository/$image@$digest" >/dev/null
  done
  # The same archive has the same digest everywhere.
  printf '%s=%s\n' "$image" "$repository/$image@$digest" >&3
done
