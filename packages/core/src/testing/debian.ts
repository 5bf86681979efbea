/** Where the files of Debian come from that containers and machines of tests are made of. */
export const SUITE = 'bookworm';
export const MIRROR = 'http://deb.debian.org/debian';
