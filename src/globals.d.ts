// Put in by the build.

/** Of package.json. */
declare const EDOX_OPS_VERSION: string;
/** The time of the commit that it was made from, in Unix seconds. */
declare const EDOX_OPS_BUILT: number;
/** build/release-keys.pem: the public keys whose releases are believed. */
declare const EDOX_OPS_RELEASE_KEYS: string;
/** Where releases are, without a slash at its end. */
declare const EDOX_OPS_RELEASES_URL: string;
