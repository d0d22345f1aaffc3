# The harness from Windows, with PowerShell 7 and Docker Desktop: run_docker.sh itself, in a container that has docker.
#   .\test.ps1 [-Build] [-BaseImage debian:12] [-Platform linux/arm64] [-Script /usr/local/bin/run-integration-arm64-smoke]
# It tests the programs in dist/: those of the pipeline's job `build`, or what -Build compiles in a container. Without a
# dist/ they are compiled first.
#requires -Version 7
param(
  [switch] $Build,
  [string] $BaseImage = 'ubuntu:24.04',
  [string] $Platform = '',
  [string] $Script = '/usr/local/bin/run-integration',
  [string] $DockerCli = 'docker:29-cli',
  [string] $NodeImage = 'node:24-bookworm'
)
$ErrorActionPreference = 'Stop'

if (-not (Get-Command docker -ErrorAction SilentlyContinue)) {
  Write-Host 'error: docker: not found'
  Write-Host 'hint: install Docker Desktop, start it, and run .\test.ps1 again'
  exit 1
}
# A shell of Linux cannot run a script with the line ends of Windows.
$scripts = Get-ChildItem "$PSScriptRoot/test/integration/run_*.sh", "$PSScriptRoot/build/*.sh"
if ($scripts | Where-Object { (Get-Content -Raw $_).Contains("`r") }) {
  Write-Host 'error: the shell scripts have line ends of Windows'
  Write-Host 'hint: clone the repository again, its .gitattributes keeps the line ends of Linux'
  exit 1
}

if ($Build -or -not (Test-Path "$PSScriptRoot/dist/SHA256SUMS")) {
  # The volume keeps Bun and the dependencies for the next build.
  docker run --rm --volume edox-ops-build:/build --volume "${PSScriptRoot}:/work" $NodeImage `
    sh /work/build/in-container.sh /build
  if ($LASTEXITCODE -ne 0) {
    Write-Host "error: the build ended with $LASTEXITCODE, the lines above say why (again: .\test.ps1 -Build)"
    exit $LASTEXITCODE
  }
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
