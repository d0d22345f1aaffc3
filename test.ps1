# The harness from Windows, with PowerShell 7 and Docker Desktop: run_docker.sh itself, in a container that has docker.
#   .\test.ps1 [-BaseImage debian:12] [-Platform linux/arm64] [-Script /usr/local/bin/run-integration-arm64-smoke]
# The binary is what the pipeline's job `build` keeps: dist/linux-x64/edox-ops, for arm64 dist/linux-arm64/edox-ops.
#requires -Version 7
param(
  [string] $BaseImage = 'ubuntu:24.04',
  [string] $Platform = '',
  [string] $Script = '/usr/local/bin/run-integration',
  [string] $DockerCli = 'docker:29-cli'
)
$ErrorActionPreference = 'Stop'

if (-not (Get-Command docker -ErrorAction SilentlyContinue)) {
  Write-Host 'error: there is no docker: install Docker Desktop, start it, and run .\test.ps1 again'
  exit 1
}
# A script with the line ends of Windows is none for a shell of Linux.
$scripts = Get-ChildItem "$PSScriptRoot/test/integration/run_*.sh"
if ($scripts | Where-Object { (Get-Content -Raw $_).Contains("`r") }) {
  Write-Host 'error: the scripts have line ends of Windows: git config core.autocrlf input, and check them out again'
  exit 1
}

$flags = '--env', "BASE_IMAGE=$BaseImage", '--env', "INTEGRATION_SCRIPT=$Script"
if ($Platform) { $flags += '--env', "DOCKER_PLATFORM=$Platform" }
docker run --rm --volume '/var/run/docker.sock:/var/run/docker.sock' --volume "${PSScriptRoot}:/work:ro" @flags `
  $DockerCli sh /work/test/integration/run_docker.sh
$code = $LASTEXITCODE
if ($code -ne 0) {
  Write-Host "error: it ended with $code, the lines above say why (again: .\test.ps1 -BaseImage $BaseImage -Script $Script)"
}
exit $code
