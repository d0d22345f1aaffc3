/** The system user that deploy keys log in as. */
export const deployUser = "edox-deploy";
/** The hidden word that sshd and sudo run for each session of a key. */
export const sessionWord = "deploy-session";
