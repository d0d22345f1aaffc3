// Constants that the build defines.

/** The version in package.json. */
declare const EDOX_OPS_VERSION: string;
/** The time of the commit that the program was built from, in Unix seconds. */
declare const EDOX_OPS_BUILT: number;
/** The public keys of build/release-keys.pem. A version signed with one of them is trusted. */
declare const EDOX_OPS_RELEASE_KEYS: string;
/** The address of the published versions, without a trailing slash. */
declare const EDOX_OPS_RELEASES_URL: string;
