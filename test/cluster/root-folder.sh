# shellcheck shell=bash
# Root folders of images that hold a program and nothing else. Sourced.

# root_folder FOLDER FILE[:PLACE]...: these files of the machine, and the libraries that they are linked with.
root_folder() {
  local folder=$1 file library
  shift
  mkdir -p "$folder"/{etc,tmp,bin}
  chmod 1777 "$folder/tmp"
  printf 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/tmp:/bin/false\n' >"$folder/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$folder/etc/group"
  for file; do
    install -D -m 755 "${file%%:*}" "$folder${file##*:}"
    # A program without libraries is no error.
    for library in $(ldd "${file%%:*}" 2>/dev/null | grep -o '/[^ ]*' || true); do
      [[ -e $folder$library ]] || install -D -m 755 "$(readlink -f "$library")" "$folder$library"
    done
  done
}

# archive FOLDER: the same bytes for the same files.
archive() { tar -C "$1" --numeric-owner --owner=0 --group=0 --sort=name --mtime=@0 -c .; }
