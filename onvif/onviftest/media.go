package onviftest

// mediaOperations are all that the device has of the media service: one
// profile without streams, as a device has "at least one media profile at
// boot" (media service), and as clients ask for one before anything else.
var mediaOperations = map[string]func(*Device, *request) (string, error){
	"GetProfiles": fixed(`<trt:GetProfilesResponse>` + mediaProfile("Profiles") + `</trt:GetProfilesResponse>`),
	"GetProfile": func(_ *Device, q *request) (string, error) {
		if text(q.el, "ProfileToken") != "main" {
			return "", sender("No such profile", "ter:InvalidArgVal", "ter:NoProfile")
		}
		return in("trt:GetProfileResponse", mediaProfile("Profile")), nil
	},
}

func mediaProfile(element string) string {
	return `<trt:` + element + ` token="main" fixed="true"><tt:Name>main</tt:Name></trt:` + element + `>`
}
