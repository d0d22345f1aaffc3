/** Put in by the build: the version of package.json, and the time of the commit it was made from (Unix seconds). */
declare const EDOX_OPS_VERSION: string;
declare const EDOX_OPS_BUILT: number;
